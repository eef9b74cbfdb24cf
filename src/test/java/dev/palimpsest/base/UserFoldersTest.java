package dev.palimpsest.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserFoldersTest {
  @TempDir private Path folder;

  @Test
  void theCacheIsWhereTheEnvironmentSays() throws IOException {
    Path home = Files.createDirectory(folder.resolve("home"));
    Map<String, String> both =
        Map.of("XDG_CACHE_HOME", folder.resolve("xdg").toString(), "HOME", home.toString());
    assertThat(new UserFolders(both, "?", folder).cacheFolder())
        .isEqualTo(folder.resolve("xdg/palimpsest"))
        .isDirectory();
    assertThat(new UserFolders(Map.of("HOME", home.toString()), "/elsewhere", folder).cacheFolder())
        .isEqualTo(home.resolve(".cache/palimpsest"));
  }

  @Test
  void aUserWithoutAPasswordEntryKeepsTheHomeOfTheEnvironment() throws IOException {
    Path home = Files.createDirectory(folder.resolve("home"));
    assertThat(new UserFolders(Map.of("HOME", home.toString()), "?", folder).home()).contains(home);
  }

  @Test
  void withoutAHomeThereIsAFolderOfOnesOwnAmongTheTemporaryFiles() throws IOException {
    Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    Path own = new UserFolders(Map.of(), "?", folder).cacheFolder();
    assertThat(own).isEqualTo(folder.resolve("palimpsest-" + uid)).isDirectory();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(own)))
        .isEqualTo("rwx------");
    assertThat(new UserFolders(Map.of("HOME", "relative"), "?", folder).cacheFolder())
        .isEqualTo(own);
  }

  @Test
  void aHomeThatCannotBeWrittenIsLeftAlone() throws IOException {
    // A file where the folder should be: refused to every user, also to root.
    Path home = Files.createDirectory(folder.resolve("home"));
    Files.writeString(home.resolve(".cache"), "in the way");
    Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    assertThat(new UserFolders(Map.of("HOME", home.toString()), "?", folder).cacheFolder())
        .isEqualTo(folder.resolve("palimpsest-" + uid));
  }

  @Test
  void withoutAHomeEveryLibraryHasAFolderThatIsWhole() throws IOException {
    UserFolders homeless = new UserFolders(Map.of(), "?", folder);
    Map<String, String> properties = homeless.libraryProperties();
    assertThat(properties)
        .containsOnlyKeys(
            "org.bytedeco.javacpp.cachedir", "DJL_CACHE_DIR", "ENGINE_CACHE_DIR", "jna.tmpdir");
    assertThat(properties.values())
        .allMatch(place -> place.startsWith(homeless.cacheFolder() + "/"));
    Path home = Files.createDirectory(folder.resolve("home"));
    assertThat(new UserFolders(Map.of("HOME", home.toString()), "?", folder).libraryProperties())
        .isEqualTo(Map.of("user.home", home.toString()));
  }

  @Test
  void aLinkPlantedInItsPlaceIsNotFollowed() throws IOException {
    Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    Path victim = Files.createDirectory(folder.resolve("victim"));
    Files.createSymbolicLink(folder.resolve("palimpsest-" + uid), victim);
    assertThatThrownBy(() -> new UserFolders(Map.of(), "?", folder).cacheFolder())
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("belongs to somebody else")
        .hasMessageContaining("XDG_CACHE_HOME");
  }
}
