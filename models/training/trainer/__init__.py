"""Shared parts of the stages: training loop, TRL's trainers, rewards, run folders."""
