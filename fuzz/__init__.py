"""Random and mutated octets at the message handler, for as long as one likes."""
