package dev.palimpsest.base;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * What the build wrote down about itself.
 *
 * @param version the project's version, or "unknown" when not built by Maven
 * @param commit the git commit built, with "-dirty" where the tree had changes; "unknown" outside a
 *     repository
 */
public record BuildInfo(String version, String commit) {
  /** Reads {@code git.properties} from the class path. */
  public static BuildInfo get() {
    Properties properties = new Properties();
    try (InputStream in = BuildInfo.class.getResourceAsStream("/git.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    boolean dirty = Boolean.parseBoolean(properties.getProperty("git.dirty", "false"));
    String commit = properties.getProperty("git.commit.id.abbrev", "unknown");
    return new BuildInfo(
        properties.getProperty("git.build.version", "unknown"), dirty ? commit + "-dirty" : commit);
  }

  /** "0.1.0 (commit 1a2b3c4)". */
  public String describe() {
    return version + " (commit " + commit + ")";
  }
}
