package dev.palimpsest.run;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.UsageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RunDirectoryTest {
  @TempDir Path folder;

  @Test
  void onlyAFolderCanHoldARun() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    Path nowhere = Files.createSymbolicLink(folder.resolve("nowhere"), folder.resolve("absent"));
    for (Path other : List.of(file, nowhere, Path.of("/dev/null"))) {
      assertThatThrownBy(() -> new RunDirectory(other).requireFolder())
          .isInstanceOf(UsageException.class)
          .hasMessage(other + " is no folder: a run needs one of its own");
    }
    new RunDirectory(folder).requireFolder();
    new RunDirectory(Files.createSymbolicLink(folder.resolve("link"), folder)).requireFolder();
    new RunDirectory(folder.resolve("new")).requireFolder();
  }
}
