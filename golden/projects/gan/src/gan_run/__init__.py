"""GAN of digits."""
