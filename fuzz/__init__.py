"""Random and mutated octets at the two readers of messages, for as long as one likes."""
