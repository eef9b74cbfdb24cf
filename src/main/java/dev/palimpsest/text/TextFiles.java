package dev.palimpsest.text;

import dev.palimpsest.base.FileDigests;
import java.nio.file.Path;
import java.util.List;

/** What a text is, before any of it is read as tokens. */
public final class TextFiles {
  private TextFiles() {}

  /**
   * The digests of a text's files, in order: of how each is read and of its bytes. Texts with the
   * same ones are the same under any names.
   *
   * @param sources files, or the word {@code embedded}
   * @param cache where the embedded text is unpacked if it lies in a jar
   * @throws dev.palimpsest.base.UsageException where there is no such file
   */
  public static List<String> digests(List<String> sources, Path cache, FileDigests digests) {
    return sources.stream()
        .map(
            source -> {
              TextSource text = TextSource.of(source, cache);
              return FileDigests.ofText(text.format() + " " + digests.of(text.file()));
            })
        .toList();
  }
}
