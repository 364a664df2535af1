"""Networks that come from elsewhere, by which metrics and tasks look at pictures: their weights and what they see."""
