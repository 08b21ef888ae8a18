"""Complete PathVLM-R1 method: data, rewards, judges and training stages."""
