package dev.palimpsest.jinja;

/** The two values that are none. */
enum Nothing {
  /** Python's None. */
  NONE,
  /** What a name stands for that nothing was ever given: prints as nothing, is false. */
  UNDEFINED
}
