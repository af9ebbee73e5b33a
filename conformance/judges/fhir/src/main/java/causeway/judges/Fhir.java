package causeway.judges;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;

/**
 * Asks the HL7 validator, in HAPI's packing, whether files are valid FHIR R4 and keep to the profiles that
 * they claim.
 *
 * <p>Arguments: {@code [--package TGZ]... [--definitions DIR]... [--verbose] FILE...}. Prints
 * {@code PASS path (n warnings)}, or {@code FAIL path: place message} for each error and fatal error;
 * {@code --verbose} adds a {@code NOTE} line for everything else that it says. No message is suppressed and no
 * severity is changed. Exit 0: all pass; 1: some fail; 2: wrong use.
 */
public final class Fhir {
    private final FhirValidator validator;
    private final boolean verbose;

    private Fhir(FhirValidator validator, boolean verbose) {
        this.validator = validator;
        this.verbose = verbose;
    }

    public static void main(String[] arguments) throws IOException {
        FhirContext context = FhirContext.forR4();
        Definitions definitions = new Definitions(context);
        List<String> files = new ArrayList<>();
        boolean verbose = false;
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--package" -> definitions.addPackage(Path.of(value(arguments, ++i)));
                case "--definitions" -> definitions.addDirectory(Path.of(value(arguments, ++i)));
                case "--verbose" -> verbose = true;
                default -> files.add(arguments[i]);
            }
        }
        if (files.isEmpty()) {
            throw usage();
        }
        Fhir judge = new Fhir(validator(context, definitions), verbose);
        long failed = files.stream().filter(file -> !judge.passes(file)).count();
        System.exit(failed == 0 ? 0 : 1);
    }

    private static String value(String[] arguments, int index) {
        if (index >= arguments.length) {
            throw usage();
        }
        return arguments[index];
    }

    private static IllegalArgumentException usage() {
        System.err.println("usage: judge-fhir [--package TGZ]... [--definitions DIR]... [--verbose] FILE...");
        System.exit(2);
        return new IllegalArgumentException();
    }

    private static FhirValidator validator(FhirContext context, Definitions definitions) {
        ValidationSupportChain chain = new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                definitions.support(),
                new InMemoryTerminologyServerValidationSupport(context),
                new CommonCodeSystemsTerminologyService(context),
                new SnapshotGeneratingValidationSupport(context));
        FhirInstanceValidator instances = new FhirInstanceValidator(chain);
        // An extension that nobody defined is an error: ours are given with --definitions.
        instances.setAnyExtensionsAllowed(false);
        instances.setErrorForUnknownProfiles(true);
        return context.newValidator().registerValidatorModule(instances);
    }

    private boolean passes(String path) {
        List<SingleValidationMessage> messages;
        try {
            messages = validator.validateWithResult(Files.readString(Path.of(path))).getMessages();
        } catch (Exception e) {
            System.out.println("FAIL " + path + ": cannot be judged: " + e);
            return false;
        }
        int errors = 0;
        int warnings = 0;
        for (SingleValidationMessage message : messages) {
            boolean isError = message.getSeverity().ordinal() >= ResultSeverityEnum.ERROR.ordinal();
            errors += isError ? 1 : 0;
            warnings += message.getSeverity() == ResultSeverityEnum.WARNING ? 1 : 0;
            if (isError || verbose) {
                System.out.println((isError ? "FAIL " : "NOTE ") + path + ": " + message.getSeverity().getCode() + " "
                        + message.getLocationString() + " " + message.getMessage().replaceAll("\\s+", " "));
            }
        }
        if (errors == 0) {
            System.out.println("PASS " + path + " (" + warnings + " warnings)");
        }
        return errors == 0;
    }
}
