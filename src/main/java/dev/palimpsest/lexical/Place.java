package dev.palimpsest.lexical;

/**
 * Where a clause looks.
 *
 * @param kind of place
 * @param number tokens back, or the reach of a neighbourhood
 */
record Place(Kind kind, int number) {
  /** Whether a clause names an exact place or a stretch of text. */
  enum Kind {
    BACK,
    WITHIN
  }

  /** The position itself. */
  static final Place ON = new Place(Kind.BACK, 0);

  /** The place that a pattern of symbols looks at. */
  static Place of(Pattern.Sequence pattern) {
    return new Place(Kind.BACK, pattern.back());
  }

  static Place of(Pattern.Nearby pattern) {
    return new Place(Kind.WITHIN, pattern.reach());
  }

  /** How it is written. */
  String words() {
    if (kind == Kind.BACK) {
      return switch (number) {
        case 0 -> "on";
        case 1 -> "after";
        case 2 -> "two after";
        case 3 -> "three after";
        default -> number + " after";
      };
    }
    return switch (number) {
      case English.SOON -> "soon after";
      case English.NEAR -> "near";
      case Pattern.Nearby.STORY -> "in stories with";
      case Pattern.Nearby.SENTENCE -> "alongside";
      default -> "within " + number + " of";
    };
  }
}
