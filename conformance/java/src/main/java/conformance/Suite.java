package conformance;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/** Runs named checks one after the other and reports each on its own line. */
final class Suite {
  interface Check {
    void run() throws Exception;
  }

  private final Map<String, Check> checks = new LinkedHashMap<>();

  void check(String name, Check check) {
    checks.put(name, check);
  }

  /** Runs every check, prints the outcome and ends the process. */
  void run() {
    int failed = 0;
    for (Map.Entry<String, Check> entry : checks.entrySet()) {
      try {
        entry.getValue().run();
        System.out.println("ok " + entry.getKey());
      } catch (Throwable err) { // AssertionError is no Exception
        failed++;
        System.out.println("FAIL " + entry.getKey() + ": " + why(err));
        if (System.getenv("BOXCAR_TRACE") != null) {
          err.printStackTrace();
        }
      }
    }
    System.out.println((checks.size() - failed) + " passed, " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }

  private static String why(Throwable err) {
    StringBuilder text = new StringBuilder();
    for (Throwable e = err; e != null; e = e.getCause()) {
      text.append(text.isEmpty() ? "" : "; ").append(e);
    }
    for (StackTraceElement at : err.getStackTrace()) {
      boolean ours = at.getClassName().startsWith("conformance.") && !at.getClassName().startsWith("conformance.Suite");
      if (ours) {
        text.append(" (").append(at.getFileName()).append(':').append(at.getLineNumber()).append(')');
        break;
      }
    }
    // An SDK may put a request's bytes into its message.
    String line = text.toString().replaceAll("\\s+", " ").replaceAll("[^ -~]", "?");
    return line.substring(0, Math.min(900, line.length()));
  }

  static void equal(Object got, Object want, String what) {
    if (!Objects.equals(got, want)) {
      throw new AssertionError(what + ": got " + got + ", want " + want);
    }
  }

  static void sameBytes(byte[] got, byte[] want, String what) {
    equal(describe(got), describe(want), what);
  }

  static void isTrue(boolean value, String what) {
    if (!value) {
      throw new AssertionError(what);
    }
  }

  private static String describe(byte[] data) {
    return data.length + " bytes, sha1 " + sha1Hex(data);
  }

  /** size bytes that depend on seed alone and do not repeat. */
  static byte[] content(long seed, int size) {
    byte[] data = new byte[size];
    new Random(seed).nextBytes(data);
    return data;
  }

  static byte[] hash(String algorithm, byte[] data) {
    try {
      return MessageDigest.getInstance(algorithm).digest(data);
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static String sha1Hex(byte[] data) {
    return HexFormat.of().formatHex(hash("SHA-1", data));
  }

  static String sha512Hex(byte[] data) {
    return HexFormat.of().formatHex(hash("SHA-512", data));
  }

  static String sha1Base64(byte[] data) {
    return Base64.getEncoder().encodeToString(hash("SHA-1", data));
  }

  /** The environment variable. Without a default (null) it must be set. */
  static String env(String name, String otherwise) {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) {
      value = otherwise;
    }
    if (value == null) {
      System.err.println(name + " is not set");
      System.exit(2);
    }
    return value;
  }

  /** Makes this process trust the CA in the PEM file, as an operator would: by a trust store. */
  static void trust(String pemFile, Path workDir) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (FileInputStream in = new FileInputStream(pemFile)) {
      int n = 0;
      for (Certificate ca : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("ca" + n++, ca);
      }
    }
    Path file = workDir.resolve("truststore.p12");
    try (OutputStream out = new FileOutputStream(file.toFile())) {
      store.store(out, "changeit".toCharArray());
    }
    System.setProperty("javax.net.ssl.trustStore", file.toString());
    System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
    System.setProperty("javax.net.ssl.trustStoreType", "PKCS12");
  }
}
