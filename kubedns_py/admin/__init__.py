"""What operators see: health, metrics and log lines."""
