"""How people and programs reach Tegu. An interface reads, asks class Tegu, and shows; it decides nothing."""
