"""Token classification: a tag for every word, such as the names in a text."""
