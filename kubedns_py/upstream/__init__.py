"""Every other name: routes, exchanges with upstreams, the choice between them, the cache."""
