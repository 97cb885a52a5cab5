"""Which tokens a tokenizer knows: counted on text, dropped where the text does without, and the proof that it may."""
