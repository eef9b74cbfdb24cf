package dev.palimpsest.base;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;

/**
 * Where files of this user, not of a run, lie: what is unpacked or tokenised once and used again.
 *
 * <p>The first of these that can be written: {@code $XDG_CACHE_HOME/palimpsest}, {@code
 * ~/.cache/palimpsest}, and, for a user without a home or with one that is read-only, {@code
 * palimpsest-<uid>} in the folder for temporary files, closed to everybody else.
 */
public final class UserFolders {
  /** Names Java gives to a home it does not know: a user without an entry in the password file. */
  private static final String NO_HOME = "?";

  private static final String HOME = "user.home";

  private final Map<String, String> environment;
  private final String javaHome;
  private final Path temporary;

  /**
   * @param environment of the process
   * @param javaHome what Java takes for the home
   * @param temporary the folder for temporary files
   */
  UserFolders(Map<String, String> environment, String javaHome, Path temporary) {
    this.environment = environment;
    this.javaHome = javaHome;
    this.temporary = temporary;
  }

  private static UserFolders here() {
    return new UserFolders(
        System.getenv(),
        System.getProperty(HOME, NO_HOME),
        Path.of(System.getProperty("java.io.tmpdir")));
  }

  /**
   * The folder for what can be made again.
   *
   * @throws PalimpsestException where none can be written, or another user's lies in the way
   */
  public static Path cache() {
    return here().cacheFolder();
  }

  /**
   * Tells JavaCPP, JNA and the tokenizers' library, which unpack their native parts once a user,
   * where to do it; before either is loaded. Where the home is as they expect it they keep to their
   * own folders in it.
   */
  public static void tellLibraries() {
    here()
        .libraryProperties()
        .forEach(
            (property, value) -> {
              boolean home = property.equals(HOME);
              if (home
                  || (System.getProperty(property) == null && System.getenv(property) == null)) {
                System.setProperty(property, value);
              }
            });
  }

  /** The system properties by which libraries find their folders; without a home, each one's. */
  Map<String, String> libraryProperties() {
    Optional<Path> home = home().filter(Files::isWritable);
    if (home.isPresent()) {
      return Map.of(HOME, home.get().toString());
    }
    String folder = cacheFolder().toString();
    return Map.of(
        "org.bytedeco.javacpp.cachedir",
        folder + "/javacpp",
        "DJL_CACHE_DIR",
        folder + "/djl",
        "ENGINE_CACHE_DIR",
        folder + "/djl",
        "jna.tmpdir",
        folder + "/jna");
  }

  /** The home, as the environment says it, else as Java does. */
  Optional<Path> home() {
    String given = environment.getOrDefault("HOME", "");
    String home = given.startsWith("/") ? given : javaHome;
    return home.startsWith("/") && Files.isDirectory(Path.of(home))
        ? Optional.of(Path.of(home))
        : Optional.empty();
  }

  Path cacheFolder() {
    String configured = environment.getOrDefault("XDG_CACHE_HOME", "");
    if (configured.startsWith("/") && makeWritable(Path.of(configured, "palimpsest"))) {
      return Path.of(configured, "palimpsest");
    }
    Optional<Path> atHome = home().map(home -> home.resolve(".cache").resolve("palimpsest"));
    if (atHome.isPresent() && makeWritable(atHome.get())) {
      return atHome.get();
    }
    return ownTemporaryFolder();
  }

  private static boolean makeWritable(Path folder) {
    try {
      Files.createDirectories(folder);
      return Files.isWritable(folder);
    } catch (IOException refused) {
      return false;
    }
  }

  private Path ownTemporaryFolder() {
    try {
      Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
      Path folder = temporary.resolve("palimpsest-" + self);
      try {
        Files.createDirectory(
            folder,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      } catch (FileAlreadyExistsException before) {
        Object owner = Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (!owner.equals(self) || !Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
          throw new PalimpsestException(
              folder + " belongs to somebody else; set XDG_CACHE_HOME to a folder of your own");
        }
      }
      return folder;
    } catch (IOException failure) {
      throw new PalimpsestException(
          "no folder to keep files in: set XDG_CACHE_HOME to one that can be written ("
              + AtomicFiles.describe(failure)
              + ")",
          failure);
    }
  }
}
