package dev.palimpsest.experiment;

import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.ModelSource;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.stream.StreamSupport;

/** Where the model, the texts and the given coders of an experiment lie. */
final class SourcePaths {
  private SourcePaths() {}

  /**
   * A path from the root, so that it means the same from any folder; the word {@code embedded} as
   * it is. Links are kept: what a file is, its content says.
   *
   * @throws UsageException for what can be no path
   */
  static String whole(String source) {
    if (source.equals(ModelSource.EMBEDDED)) {
      return source;
    }
    try {
      Path path = Path.of(source).toAbsolutePath();
      // "link/.." is not the folder that the link is in.
      boolean plain =
          StreamSupport.stream(path.spliterator(), false)
              .noneMatch(name -> name.toString().equals(".."));
      return (plain ? path.normalize() : path).toString();
    } catch (InvalidPathException failure) {
      UsageException problem =
          new UsageException(
              "'" + Quoted.of(source) + "' cannot be a path: " + failure.getReason());
      problem.initCause(failure);
      throw problem;
    }
  }
}
