package dev.palimpsest.base;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The machine and the versions a run was made on; written to {@code environment.json}.
 *
 * @param palimpsest version and commit
 * @param java the virtual machine and its version
 * @param os operating system, kernel and architecture
 * @param processor the processor's own name
 * @param processorFlags the instruction-set extensions of interest that it reports
 * @param processors processors that this process may use
 * @param memoryBytes the machine's memory, 0 where unknown
 * @param libraries native libraries by name, as they describe themselves
 */
public record Environment(
    String palimpsest,
    String java,
    String os,
    String processor,
    List<String> processorFlags,
    int processors,
    long memoryBytes,
    Map<String, String> libraries) {

  private static final List<String> FLAGS_OF_INTEREST =
      List.of("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16");

  /**
   * Looks at this machine.
   *
   * @param libraries what the caller knows of the native libraries it has loaded
   */
  public static Environment here(Map<String, String> libraries) {
    List<String> flags = List.of(field(Path.of("/proc/cpuinfo"), "flags").split(" "));
    return new Environment(
        BuildInfo.get().describe(),
        System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"),
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"),
        field(Path.of("/proc/cpuinfo"), "model name"),
        FLAGS_OF_INTEREST.stream().filter(flags::contains).toList(),
        Runtime.getRuntime().availableProcessors(),
        memory(),
        new TreeMap<>(libraries));
  }

  private static long memory() {
    String total = field(Path.of("/proc/meminfo"), "MemTotal").replaceAll("[^0-9]", "");
    return total.isEmpty() ? 0 : Long.parseLong(total) * 1024;
  }

  private static String field(Path file, String name) {
    try (var lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(name))
          .findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .orElse("unknown");
    } catch (IOException unreadable) {
      return "unknown";
    }
  }
}
