package conformance;

import static conformance.Suite.env;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;
import static conformance.Suite.sha1Base64;
import static conformance.Suite.sha1Hex;

import com.box.sdkgen.box.developertokenauth.BoxDeveloperTokenAuth;
import com.box.sdkgen.box.errors.BoxAPIError;
import com.box.sdkgen.box.errors.ResponseInfo;
import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.chunkeduploads.ChunkedUploadsManager;
import com.box.sdkgen.managers.chunkeduploads.CreateFileUploadSessionCommitHeaders;
import com.box.sdkgen.managers.chunkeduploads.CreateFileUploadSessionCommitRequestBody;
import com.box.sdkgen.managers.chunkeduploads.CreateFileUploadSessionForExistingFileRequestBody;
import com.box.sdkgen.managers.chunkeduploads.CreateFileUploadSessionRequestBody;
import com.box.sdkgen.managers.chunkeduploads.UploadFilePartHeaders;
import com.box.sdkgen.managers.folders.CreateFolderRequestBody;
import com.box.sdkgen.managers.folders.CreateFolderRequestBodyParentField;
import com.box.sdkgen.managers.uploads.UploadFileHeaders;
import com.box.sdkgen.managers.uploads.UploadFileRequestBody;
import com.box.sdkgen.managers.uploads.UploadFileRequestBodyAttributesField;
import com.box.sdkgen.managers.uploads.UploadFileRequestBodyAttributesParentField;
import com.box.sdkgen.networking.auth.Authentication;
import com.box.sdkgen.networking.baseurls.BaseUrls;
import com.box.sdkgen.networking.boxnetworkclient.BoxNetworkClient;
import com.box.sdkgen.networking.network.NetworkSession;
import com.box.sdkgen.networking.retries.BoxRetryStrategy;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import com.box.sdkgen.schemas.uploadpart.UploadPart;
import com.box.sdkgen.schemas.uploadsession.UploadSession;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import okhttp3.ConnectionSpec;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/** The SDK pointed at boxcar, and small things around it that the checks share. */
final class Box {
  static final int MIB = 1 << 20;
  static final int SMALLEST_CHUNKED = 20_000_000; // bytes; Box refuses sessions below this

  static final String URL_BASE = env("BOXCAR_URL", null).replaceAll("/+$", "");
  static final String TOKEN = env("BOXCAR_TOKEN", null);

  /** Paths of PUT and POST requests whose first reply is dropped once it has come. */
  static final Set<String> loseReplyOf = Collections.synchronizedSet(new HashSet<>());

  static BoxClient client(String token, BoxRetryStrategy retries) {
    return client(new BoxDeveloperTokenAuth(token), retries);
  }

  static BoxClient client(Authentication auth, BoxRetryStrategy retries) {
    return new BoxClient.Builder(auth).networkSession(session(retries)).build();
  }

  static NetworkSession session(BoxRetryStrategy retries) {
    OkHttpClient.Builder http = BoxNetworkClient.getDefaultOkHttpClientBuilder();
    if (URL_BASE.startsWith("http:")) { // by default the SDK speaks TLS only
      http.connectionSpecs(List.of(ConnectionSpec.CLEARTEXT));
    }
    http.addInterceptor(
        chain -> {
          Request request = chain.request();
          Response response = chain.proceed(request);
          boolean sends = request.method().equals("PUT") || request.method().equals("POST");
          if (sends && loseReplyOf.remove(request.url().encodedPath())) {
            response.close();
            throw new IOException("the reply was lost");
          }
          return response;
        });
    return new NetworkSession.Builder()
        .networkClient(new BoxNetworkClient(http.build()))
        .retryStrategy(retries)
        .baseUrls(
            new BaseUrls.Builder()
                .baseUrl(URL_BASE)
                .uploadUrl(URL_BASE + "/api")
                .oauth2Url(URL_BASE + "/api/oauth2")
                .build())
        .build();
  }

  interface Call {
    void run() throws Exception;
  }

  /** Fails unless the call is refused in this way. Returns what the SDK decoded. */
  static ResponseInfo refused(int status, String code, Call call) throws Exception {
    try {
      call.run();
    } catch (BoxAPIError e) {
      ResponseInfo info = e.getResponseInfo();
      equal(info.getStatusCode() + " " + info.getCode(), status + " " + code, "status and code");
      equal(info.getBody().path("status").asInt(), status, "status in the body");
      isTrue(info.getRequestId() != null && !info.getRequestId().isEmpty(), "request_id");
      return info;
    }
    throw new AssertionError("not refused; want " + status + " " + code);
  }

  static InputStream stream(byte[] data) {
    return new ByteArrayInputStream(data);
  }

  static byte[] slice(byte[] data, long offset, long partSize) {
    return Arrays.copyOfRange(data, (int) offset, (int) Math.min(data.length, offset + partSize));
  }

  static String contentRange(long offset, int length, long total) {
    return "bytes " + offset + "-" + (offset + length - 1) + "/" + total;
  }

  static String describe(UploadPart part) {
    return part.getPartId() + " " + part.getOffset() + "+" + part.getSize() + " " + part.getSha1();
  }

  final BoxClient client =
      client(TOKEN, new BoxRetryStrategy.Builder().retryBaseInterval(0.1).build());
  final ChunkedUploadsManager chunked = client.getChunkedUploads();
  final String runName = "java10-" + UUID.randomUUID();
  final FolderFull folder = createFolder(runName, "0");
  final int bigBytes = Integer.parseInt(env("BOXCAR_BIG_BYTES", String.valueOf(64 * MIB + 12345)));

  FolderFull createFolder(String name, String parent) {
    return client
        .getFolders()
        .createFolder(new CreateFolderRequestBody(name, new CreateFolderRequestBodyParentField(parent)));
  }

  FileFull upload(String name, byte[] data) {
    return client
        .getUploads()
        .uploadFile(
            new UploadFileRequestBody(
                new UploadFileRequestBodyAttributesField(
                    name, new UploadFileRequestBodyAttributesParentField(folder.getId())),
                stream(data)),
            new UploadFileHeaders.Builder().contentMd5(sha1Hex(data)).build())
        .getEntries()
        .get(0);
  }

  byte[] download(String fileId) throws IOException {
    try (InputStream in = client.getDownloads().downloadFile(fileId)) {
      return in.readAllBytes();
    }
  }

  UploadSession session(String name, int size) {
    return chunked.createFileUploadSession(
        new CreateFileUploadSessionRequestBody(folder.getId(), size, name));
  }

  UploadPart put(UploadSession session, byte[] data, long offset) {
    byte[] chunk = slice(data, offset, session.getPartSize());
    return chunked
        .uploadFilePart(
            session.getId(),
            stream(chunk),
            new UploadFilePartHeaders(
                "sha=" + sha1Base64(chunk), contentRange(offset, chunk.length, data.length)))
        .getPart();
  }

  List<UploadPart> putAll(UploadSession session, byte[] data) {
    List<UploadPart> parts = new ArrayList<>();
    for (long at = 0; at < data.length; at += session.getPartSize()) {
      parts.add(put(session, data, at));
    }
    return parts;
  }

  FileFull commit(UploadSession session, List<UploadPart> parts, byte[] data, String etag) {
    return chunked
        .createFileUploadSessionCommit(
            session.getId(),
            new CreateFileUploadSessionCommitRequestBody(parts),
            new CreateFileUploadSessionCommitHeaders.Builder("sha=" + sha1Base64(data))
                .ifMatch(etag)
                .build())
        .getEntries()
        .get(0);
  }

  UploadSession versionSession(String fileId, int size, String name) {
    return chunked.createFileUploadSessionForExistingFile(
        fileId,
        new CreateFileUploadSessionForExistingFileRequestBody.Builder(size).fileName(name).build());
  }
}
