"""The suite that runs against a real control plane (``make e2e``)."""
