package dev.palimpsest.base;

/**
 * Hears how far a piece of work has come. Whatever takes a while tells one of these, and does not
 * know who listens: the command line draws it, tests record it. Called from the working thread, or
 * from several in turn.
 */
@FunctionalInterface
public interface Progress {
  /** Hears nothing. */
  Progress SILENT = (what, unit, done, total, note) -> {};

  /**
   * Tells where the work stands. The first call of a piece of work counts as its start: work that
   * goes on from an earlier process begins above 0, and its speed is measured from there.
   *
   * @param what is done, the same from call to call, e.g. {@code training}
   * @param unit what is counted, in the plural, e.g. {@code tokens}
   * @param done units done
   * @param total units in all
   * @param note what changes from call to call, e.g. {@code fvu 0.213}; may be empty
   */
  void advanced(String what, String unit, long done, long total, String note);

  /** One line for people that is not about how far the work is, e.g. what was found. */
  default void says(String line) {}

  /** The same without a note. */
  default void advanced(String what, String unit, long done, long total) {
    advanced(what, unit, done, total, "");
  }
}
