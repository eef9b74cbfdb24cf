package dev.palimpsest.text;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.LfsPointer;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.base.Utf8Lines;
import dev.palimpsest.model.ModelSource;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/**
 * A text as the user names it: a file, or the word {@code embedded}.
 *
 * @param name as given
 * @param file where it lies; it exists, and its form is what its name says
 */
record TextSource(String name, Path file) {
  /**
   * @param unpacked folder for the embedded text, where that is inside a jar
   * @throws UsageException where there is no such file
   * @throws PalimpsestException where the file cannot be what its name says
   */
  static TextSource of(String name, Path unpacked) {
    if (name.equals(ModelSource.EMBEDDED)) {
      return new TextSource(name, embeddedStories(unpacked));
    }
    Path file = Path.of(name);
    if (Files.isDirectory(file)) {
      throw new UsageException(name + " is a folder; name the text files in it");
    }
    if (!Files.exists(file)) {
      throw new UsageException(
          "no such text file: " + name + " (or the word " + ModelSource.EMBEDDED + ")");
    }
    LfsPointer.refuse(file);
    // Said here, before anything is looked up by content: whether a file can be read must not
    // depend
    // on what has been read before.
    if (TextFormat.of(file) != TextFormat.TOKENS
        && TextFormat.isNamedCompressed(file)
        && !Utf8Lines.isGzip(file)) {
      throw new PalimpsestException(name + ": not a gzip file, as its name says");
    }
    return new TextSource(name, file);
  }

  TextFormat format() {
    return TextFormat.of(file);
  }

  /** The resource's own file, or, when it is inside a jar, a copy of it in the cache. */
  private static Path embeddedStories(Path folder) {
    String name = "/embedded/stories.jsonl";
    URL resource = Objects.requireNonNull(TextSource.class.getResource(name), name);
    try {
      URI location = resource.toURI();
      if ("file".equals(location.getScheme())) {
        return Path.of(location);
      }
    } catch (URISyntaxException failure) {
      throw new IllegalStateException("a resource without a proper address: " + resource, failure);
    }
    Path copy = folder.resolve("embedded-stories.jsonl");
    try (InputStream stream = resource.openStream()) {
      byte[] bytes = stream.readAllBytes();
      if (!Files.exists(copy) || !Arrays.equals(Files.readAllBytes(copy), bytes)) {
        AtomicFiles.writeBytes(copy, bytes);
      }
      return copy;
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot unpack the embedded text to " + copy + ": " + AtomicFiles.describe(failure),
          failure);
    }
  }
}
