package dev.palimpsest.model;

import java.io.IOException;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/** The library that language models run on. */
public final class LibtorchInfo {
  private LibtorchInfo() {}

  /** Loads libtorch and says which one it is: {@code libtorch 2.10.0-1.5.13, 2 threads}. */
  public static String describe() {
    Loader.load(torch.class);
    String version;
    try {
      version = Loader.getVersion("org.bytedeco", "pytorch");
    } catch (IOException unknown) {
      version = "of unknown version";
    }
    return "libtorch " + version + ", " + torch.get_num_threads() + " threads";
  }
}
