package dev.palimpsest.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A reader and good files for it.
 *
 * @param name for reports and {@code -Dfuzz.target}
 * @param kind how the file is damaged
 * @param file which of a folder's files is damaged
 * @param good folders as they should be: content by file name
 * @param share of the time, relative to the others
 * @param reader reads a folder as the commands do
 */
record FuzzTarget(
    String name,
    Mutator.Kind kind,
    String file,
    List<Map<String, byte[]>> good,
    int share,
    Reader reader) {
  @Override
  public String toString() {
    return name;
  }

  /** Reads what lies in a folder. */
  @FunctionalInterface
  interface Reader {
    void read(Path folder) throws IOException;
  }
}
