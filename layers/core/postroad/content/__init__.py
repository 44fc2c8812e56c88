"""What a message is made of: the brand, blocks, MJML, choices, languages and products.

What publishing and previews need (`building`, `blocks`, `mjml`) is loaded by them alone; what is sent has been built.
"""
