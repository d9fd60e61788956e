"""The golden catalog: categories, golden records, their texts, proposals and quality."""
