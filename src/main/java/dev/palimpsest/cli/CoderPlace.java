package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.LanguageModel;
import java.nio.file.Path;

/** Where a coder belongs, by the name of its folder. */
final class CoderPlace {
  private CoderPlace() {}

  /**
   * The folder's name or its parent's (coders of several seeds lie in {@code <hookpoint>/seedN}).
   *
   * @throws UsageException where neither names a module of the model
   */
  static String of(Path folder, LanguageModel model) {
    Path absolute = folder.toAbsolutePath().normalize();
    for (Path path : new Path[] {absolute, absolute.getParent()}) {
      String name = path == null || path.getFileName() == null ? "" : path.getFileName().toString();
      for (String known : model.hookpoints()) {
        if (name.equals(known) || name.endsWith("." + known)) {
          return known;
        }
      }
    }
    throw new UsageException(
        "the folder " + folder + " is not named after a hookpoint of the model: give --hookpoint");
  }
}
