package dev.palimpsest;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
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
          "kernels",
          "tensor",
          "model",
          "data",
          "coder",
          "train",
          "latents",
          "explain",
          "simulate",
          "rewrite",
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
}
