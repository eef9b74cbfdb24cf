package dev.palimpsest.run;

import dev.palimpsest.base.Progress;
import java.util.List;

/** Hears how a run gets on; the command line prints it, tests record it. */
public interface RunLog extends Progress {
  /** Hears nothing. */
  RunLog SILENT =
      new RunLog() {
        @Override
        public void advanced(String what, String unit, long done, long total, String note) {}

        @Override
        public void device(String description) {}

        @Override
        public void started(String stage) {}

        @Override
        public void skipped(String stage, double seconds) {}

        @Override
        public void finished(String stage, double seconds) {}
      };

  /**
   * A stage to come.
   *
   * @param name as {@link #started} will call it
   * @param work what it is expected to cost beside the others of its run, in any unit; 0: unknown
   */
  record Planned(String name, double work) {}

  /** The stages to come, in order; told once, before the first of them. */
  default void planned(List<Planned> stages) {}

  /** Where the run computes, told once, before the first stage that needs it. */
  void device(String description);

  /** A stage begins. */
  void started(String stage);

  /** A stage was finished by an earlier run, in which it took so many seconds. */
  void skipped(String stage, double seconds);

  /** A stage is done. */
  void finished(String stage, double seconds);
}
