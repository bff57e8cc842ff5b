package conformance;

import static conformance.Suite.env;

import com.box.sdk.BoxAPIConnection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import okhttp3.ConnectionSpec;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;

/** The SDK's connection, with the two things its hook is for: plain http, and lost replies. */
final class Connection extends BoxAPIConnection {
  private static final String URL_BASE = env("BOXCAR_URL", null).replaceAll("/+$", "");

  /** Paths of PUT and POST requests whose first reply is replaced by a 500 once it has come. */
  static final Set<String> loseReplyOf = Collections.synchronizedSet(new HashSet<>());

  Connection(String token) {
    super(token);
    setBaseURL(URL_BASE + "/");
    setBaseUploadURL(URL_BASE + "/api/");
  }

  @Override
  protected OkHttpClient.Builder modifyHttpClientBuilder(OkHttpClient.Builder builder) {
    if (URL_BASE.startsWith("http:")) { // by default the SDK speaks TLS only
      builder.connectionSpecs(List.of(ConnectionSpec.CLEARTEXT));
    }
    return builder.addInterceptor(
        chain -> {
          Request request = chain.request();
          Response response = chain.proceed(request);
          boolean sends = request.method().equals("PUT") || request.method().equals("POST");
          if (!sends || !loseReplyOf.remove(request.url().encodedPath())) {
            return response;
          }
          response.close();
          return response
              .newBuilder()
              .code(500)
              .body(ResponseBody.create("", MediaType.parse("application/json")))
              .build();
        });
  }
}
