"""What the stages share: the loop, TRL's trainers, rewards, run folders."""
