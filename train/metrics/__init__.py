"""How good a generator is: FID, KID, precision and recall, PPL, linear separability."""
