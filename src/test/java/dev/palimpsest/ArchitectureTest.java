package dev.palimpsest;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.domain.properties.HasName;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Packages depend one way, and native types stay below the layers that orchestrate and print. */
class ArchitectureTest {
  /** Lowest first: a package may use those before it, never those after it. */
  private static final List<String> LAYERS =
      List.of(
          "base",
          "jinja",
          "run",
          "results",
          "kernels",
          "tensor",
          "safetensors",
          "model",
          "text",
          "activations",
          "coder",
          "evaluate",
          "train",
          "latents",
          "language",
          "llm",
          "explain",
          "simulate",
          "prompted",
          "lexical",
          "rivals",
          "rewrite",
          "bench",
          "report",
          "experiment",
          "cli");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.palimpsest");

  @Test
  void packagesKnowOnlyThoseBelowThem() {
    for (int low = 0; low < LAYERS.size() - 1; low++) {
      String[] above =
          LAYERS.subList(low + 1, LAYERS.size()).stream()
              .map(name -> "dev.palimpsest." + name + "..")
              .toArray(String[]::new);
      noClasses()
          .that()
          .resideInAPackage("dev.palimpsest." + LAYERS.get(low) + "..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(above)
          .allowEmptyShould(true)
          .check(CLASSES);
    }
  }

  @Test
  void nativeTypesStayOutOfTheUpperLayers() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.palimpsest.report..",
            "dev.palimpsest.explain..",
            "dev.palimpsest.experiment..",
            "dev.palimpsest.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.bytedeco..")
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  /**
   * On a GPU an address is worth nothing to the processor, and tensors of two devices do not mix.
   * So above the package {@code tensor} nobody looks behind a pointer, and nobody makes a tensor on
   * the host but those who read or write files.
   */
  @Test
  void memoryIsReachedThroughTheDevice() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "dev.palimpsest.kernels..",
            "dev.palimpsest.tensor..",
            "dev.palimpsest.safetensors..",
            "dev.palimpsest.bench..")
        .and(
            DescribedPredicate.not(
                HasName.Predicates.nameMatching(".*\\.(WeightLoader|ActivationFile)")))
        .should()
        .callMethodWhere(ArchitectureTest.touchesHostMemory())
        .check(CLASSES);
  }

  private static DescribedPredicate<JavaMethodCall> touchesHostMemory() {
    return DescribedPredicate.describe(
        "reads or writes native memory in place, or makes a tensor on the host",
        call -> {
          String owner = call.getTargetOwner().getName();
          String method = call.getName();
          boolean pointer =
              owner.matches("org\\.bytedeco\\.javacpp\\.(\\w*Pointer)")
                  && method.matches(
                      "get|put|asBuffer|asByteBuffer|memcpy|memset|memmove|fill|zero");
          boolean data = owner.startsWith("org.bytedeco.pytorch") && method.startsWith("data_ptr");
          boolean tensor =
              owner.equals("dev.palimpsest.tensor.Tensors") && method.matches("of|empty");
          return pointer || data || tensor;
        });
  }
}
