"""The rules of the house as tests. Each rule is a pure function from a file's text to its violations, and each has a
test that shows it a bad text: a rule that cannot fail protects nothing."""
