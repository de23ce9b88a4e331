# syntax=docker/dockerfile:1
# Both stages start from the same image: the environment made in the first runs in the second.
# A release pins it by digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY locks/build.txt locks/run.txt locks/
RUN python -m venv /build && python -m venv /opt/kubedns-py \
 && /build/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary=:all: -r locks/build.txt \
 && /opt/kubedns-py/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary=:all: -r locks/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY kubedns_py/ kubedns_py/
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/kubedns-py/bin/pip install --no-deps --no-index /wheels/*.whl \
 && /opt/kubedns-py/bin/pip uninstall --yes pip

FROM ${PYTHON_IMAGE} AS run
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="kubedns-py" \
      org.opencontainers.image.description="Cluster DNS for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
COPY --from=build /opt/kubedns-py /opt/kubedns-py
# The root file system is read-only in the chart; the modules were compiled in the build stage.
ENV PATH=/opt/kubedns-py/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number: runAsNonRoot cannot judge a name.
USER 65532:65532
WORKDIR /
# Above 1023: a Python that is not root cannot bind port 53, whatever capability the pod is given.
EXPOSE 10053/udp 10053/tcp 8081/tcp 9153/tcp
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-I", "-B", "-m", "kubedns_py"]
CMD ["serve", "--dns-port=10053"]
