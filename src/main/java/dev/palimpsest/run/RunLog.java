package dev.palimpsest.run;

/** Hears how a run gets on; the command line prints it, tests record it. */
public interface RunLog {
  /** Where the run computes, told once, before the first stage that needs it. */
  void device(String description);

  /** A stage begins. */
  void started(String stage);

  /** A stage was finished by an earlier run, in which it took so many seconds. */
  void skipped(String stage, double seconds);

  /** A stage is done. */
  void finished(String stage, double seconds);

  /**
   * Within a stage.
   *
   * @param what in progress, e.g. "caching layers.2.mlp"
   * @param done units done
   * @param total units in all
   * @param note what changes from call to call, e.g. "fvu 0.213"; may be empty
   */
  void progress(String what, long done, long total, String note);

  /** The same without a note. */
  default void progress(String what, long done, long total) {
    progress(what, done, total, "");
  }
}
