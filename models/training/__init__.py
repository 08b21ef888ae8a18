"""PathVLM-R1's method, whole: data, rewards, judges and the training stages."""
