"""Where cluster objects come from: the API server, or a directory of manifests."""
