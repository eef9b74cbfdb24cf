package dev.palimpsest.model;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.base.UserFolders;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Where a model lies: a Hugging Face folder, or {@code embedded} for the small model that ships
 * with the program.
 */
public final class ModelSource {
  /** The word that stands for the model (and, for text, the stories) inside the program. */
  public static final String EMBEDDED = "embedded";

  private static final String RESOURCES = "/embedded/model/";

  private static final List<String> FILES =
      List.of("config.json", "model.safetensors", "tokenizer.json");

  private ModelSource() {}

  /**
   * The folder of a model.
   *
   * @param source {@code embedded}, or the path of a folder with {@code config.json}
   * @throws UsageException when there is no such folder, or it has no {@code config.json}
   */
  public static Path resolve(String source) {
    if (source.equals(EMBEDDED)) {
      return embedded();
    }
    Path folder = Path.of(source);
    if (!Files.isDirectory(folder)) {
      throw new UsageException(
          "no model folder "
              + source
              + ": expected a Hugging Face folder, or the word "
              + EMBEDDED);
    }
    if (!Files.exists(folder.resolve("config.json"))) {
      throw new UsageException(source + " is not a model folder: it has no config.json");
    }
    return folder;
  }

  /** Whether there is such a model. */
  public static boolean exists(String source) {
    return source.equals(EMBEDDED) || Files.isRegularFile(Path.of(source).resolve("config.json"));
  }

  /**
   * The resources' own folder, or, when they are inside a jar, a copy of them in the user's cache.
   */
  private static Path embedded() {
    URL config = ModelSource.class.getResource(RESOURCES + FILES.get(0));
    if (config == null) {
      throw new PalimpsestException("this build has no embedded model");
    }
    try {
      URI location = config.toURI();
      if ("file".equals(location.getScheme())) {
        return Objects.requireNonNull(Path.of(location).getParent());
      }
    } catch (URISyntaxException failure) {
      throw new IllegalStateException("a resource without a proper address: " + config, failure);
    }
    Path cache = UserFolders.cache().resolve("embedded-model");
    for (String file : FILES) {
      copyResource(RESOURCES + file, cache.resolve(file));
    }
    return cache;
  }

  private static void copyResource(String resource, Path target) {
    try (InputStream stream = ModelSource.class.getResourceAsStream(resource)) {
      byte[] bytes = Objects.requireNonNull(stream, resource).readAllBytes();
      if (!Files.exists(target) || Files.size(target) != bytes.length) {
        AtomicFiles.writeBytes(target, bytes);
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot unpack the embedded model to " + target + ": " + AtomicFiles.describe(failure),
          failure);
    }
  }
}
