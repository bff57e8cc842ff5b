package conformance;

import static conformance.Areas.ONCE;
import static conformance.Areas.mkdir;
import static conformance.Areas.put;
import static conformance.Areas.statusOf;
import static conformance.Box.URL_BASE;
import static conformance.Box.refused;
import static conformance.Suite.env;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;

import com.box.sdkgen.box.ccgauth.BoxCCGAuth;
import com.box.sdkgen.box.ccgauth.CCGConfig;
import com.box.sdkgen.box.developertokenauth.BoxDeveloperTokenAuth;
import com.box.sdkgen.box.errors.BoxAPIError;
import com.box.sdkgen.box.jwtauth.BoxJWTAuth;
import com.box.sdkgen.box.jwtauth.JWTConfig;
import com.box.sdkgen.box.oauth.BoxOAuth;
import com.box.sdkgen.box.oauth.GetAuthorizeUrlOptions;
import com.box.sdkgen.box.oauth.OAuthConfig;
import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.files.UpdateFileByIdRequestBody;
import com.box.sdkgen.managers.users.GetUserMeQueryParams;
import com.box.sdkgen.networking.auth.Authentication;
import com.box.sdkgen.networking.network.NetworkSession;
import com.box.sdkgen.schemas.accesstoken.AccessToken;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import com.box.sdkgen.schemas.userfull.UserFull;
import java.net.CookieManager;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Every way to a token. */
final class Auth {
  private static final String CLIENT_ID = env("BOXCAR_CLIENT_ID", null);
  private static final String CLIENT_SECRET = env("BOXCAR_CLIENT_SECRET", null);
  private static final String ENTERPRISE = env("BOXCAR_ENTERPRISE_ID", null);
  private static final String USER = env("BOXCAR_USER_ID", null);
  private static final String REDIRECT = env("BOXCAR_REDIRECT_URI", null);

  private final Box box;
  private final NetworkSession network = Box.session(ONCE);
  private final BoxOAuth oauth = new BoxOAuth(new OAuthConfig(CLIENT_ID, CLIENT_SECRET));
  private String service;

  Auth(Box box) {
    this.box = box;
  }

  void addTo(Suite suite) {
    suite.check("auth: client credentials of a user", this::ofAUser);
    suite.check("auth: client credentials of the enterprise", this::ofTheEnterprise);
    suite.check("auth: client credentials refused", this::refusals);
    suite.check("auth: JWT with a generated configuration", this::jwt);
    suite.check("auth: OAuth through the login page", this::oauth);
    suite.check("auth: refresh", this::refresh);
    suite.check("auth: downscoped to a file", this::toAFile);
    suite.check("auth: downscoped to reading", this::toReading);
    suite.check("auth: revoke", this::revoke);
  }

  private static BoxCCGAuth user() {
    return new BoxCCGAuth(new CCGConfig.Builder(CLIENT_ID, CLIENT_SECRET).userId(USER).build());
  }

  private static BoxCCGAuth enterprise() {
    return new BoxCCGAuth(new CCGConfig.Builder(CLIENT_ID, CLIENT_SECRET).enterpriseId(ENTERPRISE).build());
  }

  private static BoxClient client(Authentication auth) {
    return Box.client(auth, ONCE);
  }

  private static BoxClient byToken(String token) {
    return client(new BoxDeveloperTokenAuth(token));
  }

  private static void isToken(AccessToken token, boolean refresh) {
    isTrue(token.getAccessToken().length() >= 20, "access_token");
    equal(token.getTokenType().getValue(), "bearer", "token_type");
    isTrue(token.getExpiresIn() > 3500 && token.getExpiresIn() <= 4200, "expires_in " + token.getExpiresIn());
    equal(token.getRefreshToken() != null, refresh, "a refresh_token");
  }

  private static void oauthRefused(int status, String error, Box.Call call) throws Exception {
    try {
      call.run();
    } catch (BoxAPIError e) {
      equal(
          e.getResponseInfo().getStatusCode() + " " + e.getResponseInfo().getBody().path("error").asText(),
          status + " " + error,
          "status and error");
      return;
    }
    throw new AssertionError("not refused; want " + status + " " + error);
  }

  private void ofAUser() {
    isToken(user().retrieveToken(network), false);
    equal(client(user()).getUsers().getUserMe().getId(), USER, "me");
    equal(client(enterprise().withUserSubject(USER)).getUsers().getUserMe().getId(), USER, "withUserSubject");
  }

  private void ofTheEnterprise() throws Exception {
    UserFull me =
        client(enterprise())
            .getUsers()
            .getUserMe(new GetUserMeQueryParams.Builder().fields(List.of("id", "enterprise")).build());
    equal(me.getEnterprise().getId(), ENTERPRISE, "enterprise");
    service = me.getId();
    isTrue(!service.equals(USER) && !service.equals(box.client.getUsers().getUserMe().getId()), "a service account");
    BoxClient acting = client(enterprise()).withAsUserHeader(USER);
    equal(acting.getUsers().getUserMe().getId(), USER, "As-User");
    equal(
        statusOf(() -> client(user()).withAsUserHeader(service).getUsers().getUserMe()),
        403,
        "As-User of one who may not");
  }

  private void refusals() throws Exception {
    BoxCCGAuth wrong = new BoxCCGAuth(new CCGConfig.Builder(CLIENT_ID, "wrong").userId(USER).build());
    oauthRefused(401, "invalid_client", () -> wrong.retrieveToken(network));
    BoxCCGAuth nobody = new BoxCCGAuth(new CCGConfig.Builder(CLIENT_ID, CLIENT_SECRET).userId("990017").build());
    oauthRefused(400, "invalid_grant", () -> nobody.retrieveToken(network));
  }

  private static BoxJWTAuth jwtAuth() {
    return new BoxJWTAuth(JWTConfig.fromConfigFile(env("BOXCAR_APP_CONFIG", null)));
  }

  private void jwt() throws Exception {
    BoxJWTAuth auth = jwtAuth();
    isToken(auth.retrieveToken(network), false);
    equal(client(auth).getUsers().getUserMe().getId(), service, "the enterprise is the service account");
    equal(client(auth.withUserSubject(USER)).getUsers().getUserMe().getId(), USER, "a user");
    oauthRefused(400, "invalid_grant", () -> auth.withUserSubject("990017").retrieveToken(network));
  }

  /** Goes through the login page as a browser would; returns the query it is sent back with. */
  private static Map<String, String> browse(String url, String answer) throws Exception {
    HttpClient browser = HttpClient.newBuilder().cookieHandler(new CookieManager()).build();
    String at = url.replace("https://account.box.com", URL_BASE);
    HttpResponse<String> page =
        browser.send(HttpRequest.newBuilder(URI.create(at)).build(), HttpResponse.BodyHandlers.ofString());
    equal(page.statusCode(), 200, "status of the login page");
    page =
        post(browser, at, page.body(), Map.of("login", env("BOXCAR_LOGIN", null), "password", env("BOXCAR_PASSWORD", null)));
    equal(page.statusCode(), 200, "status of the consent page");
    page = post(browser, at, page.body(), Map.of("answer", answer));
    String to = page.headers().firstValue("Location").orElseThrow();
    equal(to.replaceAll("\\?.*", ""), REDIRECT, "where the browser is sent");
    Map<String, String> query = new HashMap<>();
    for (String pair : to.replaceAll(".*\\?", "").split("&")) {
      String[] kv = pair.split("=", 2);
      query.put(kv[0], URLDecoder.decode(kv[1], StandardCharsets.UTF_8));
    }
    return query;
  }

  private static HttpResponse<String> post(HttpClient browser, String at, String html, Map<String, String> fields)
      throws Exception {
    Map<String, String> form = new HashMap<>(fields);
    Matcher hidden = Pattern.compile("<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\">").matcher(html);
    while (hidden.find()) {
      String value = Pattern.compile("&#(\\d+);").matcher(hidden.group(2)).replaceAll(m -> "" + (char) Integer.parseInt(m.group(1)));
      form.put(hidden.group(1), value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
    }
    StringBuilder body = new StringBuilder();
    form.forEach(
        (k, v) ->
            body.append(body.isEmpty() ? "" : "&")
                .append(k)
                .append('=')
                .append(URLEncoder.encode(v, StandardCharsets.UTF_8)));
    return browser.send(
        HttpRequest.newBuilder(URI.create(at.replaceAll("\\?.*", "")))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private void oauth() throws Exception {
    String url =
        oauth.getAuthorizeUrl(new GetAuthorizeUrlOptions.Builder().redirectUri(REDIRECT).state("a state").build());
    Map<String, String> query = browse(url, "allow");
    equal(query.get("state"), "a state", "state");
    isToken(oauth.getTokensAuthorizationCodeGrant(query.get("code"), network), true);
    equal(client(oauth).getUsers().getUserMe().getId(), USER, "me");
    BoxOAuth again = new BoxOAuth(new OAuthConfig(CLIENT_ID, CLIENT_SECRET));
    oauthRefused(400, "invalid_grant", () -> again.getTokensAuthorizationCodeGrant(query.get("code"), network));
    equal(browse(url, "deny").get("error"), "access_denied", "a no");
  }

  private void refresh() throws Exception {
    AccessToken old = oauth.getTokenStorage().get();
    AccessToken fresh = oauth.refreshToken(network);
    isToken(fresh, true);
    isTrue(!fresh.getAccessToken().equals(old.getAccessToken()), "another token");
    BoxOAuth stale = new BoxOAuth(new OAuthConfig(CLIENT_ID, CLIENT_SECRET));
    stale.getTokenStorage().store(old);
    oauthRefused(400, "invalid_grant", () -> stale.refreshToken(network));
  }

  private void toAFile() throws Exception {
    BoxCCGAuth auth = user();
    FileFull file = put(client(auth), "0", "downscoped " + box.runName + ".txt");
    AccessToken token =
        auth.downscopeToken(
            List.of("item_rename", "item_preview"), "https://api.box.com/2.0/files/" + file.getId(), null, network);
    equal(
        token.getRestrictedTo().stream().map(r -> r.getScope().getValue()).sorted().toList(),
        List.of("item_preview", "item_rename"),
        "restricted_to");
    BoxClient small = byToken(token.getAccessToken());
    String name = "renamed " + box.runName + ".txt";
    FileFull renamed =
        small.getFiles().updateFileById(file.getId(), new UpdateFileByIdRequestBody.Builder().name(name).build());
    equal(renamed.getName(), name, "renamed");
    refused(403, "insufficient_scope", () -> small.getFiles().deleteFileById(file.getId()));
    equal(statusOf(() -> small.getDownloads().downloadFile(file.getId())), 403, "a download"); // the SDK reads no body
    isTrue(List.of(403, 404).contains(statusOf(() -> small.getFolders().getFolderItems("0"))), "what it is not for");
  }

  private void toReading() throws Exception {
    FolderFull inner = mkdir(box.client, box.folder.getId(), "read only");
    AccessToken token =
        new BoxDeveloperTokenAuth(Box.TOKEN).downscopeToken(List.of("root_readonly"), null, null, network);
    BoxClient small = byToken(token.getAccessToken());
    equal(small.getFolders().getFolderById(inner.getId()).getName(), "read only", "name");
    refused(403, "insufficient_scope", () -> mkdir(small, inner.getId(), "no"));
    refused(403, "insufficient_scope", () -> small.getFolders().deleteFolderById(inner.getId()));
  }

  private void revoke() throws Exception {
    for (Authentication auth : List.of(user(), jwtAuth())) {
      String first = auth.retrieveToken(network).getAccessToken();
      equal(statusOf(() -> byToken(first).getUsers().getUserMe()), 0, "a good token");
      auth.revokeToken(network);
      equal(statusOf(() -> byToken(first).getUsers().getUserMe()), 401, "a revoked token");
    }
    String held = oauth.getTokenStorage().get().getAccessToken();
    oauth.revokeToken(network);
    equal(statusOf(() -> byToken(held).getUsers().getUserMe()), 401, "a revoked token");
  }
}
