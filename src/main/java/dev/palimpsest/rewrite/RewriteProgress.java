package dev.palimpsest.rewrite;

/** Hears how far an evaluation has come; called from the evaluating thread. */
@FunctionalInterface
public interface RewriteProgress {
  /** Hears nothing. */
  RewriteProgress SILENT = (done, total, what) -> {};

  /**
   * @param done forward passes finished (one batch of windows under one variant), 0 at the start
   * @param total forward passes of the whole evaluation
   * @param what the variant just measured, for people
   */
  void advanced(long done, long total, String what);
}
