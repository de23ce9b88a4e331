"""The edge towards clients: sockets and framing, and the one seam under them."""
