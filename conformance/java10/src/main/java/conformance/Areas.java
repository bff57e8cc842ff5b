package conformance;

import static conformance.Suite.env;
import static conformance.Suite.isTrue;

import com.box.sdkgen.box.errors.BoxAPIError;
import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.folders.CreateFolderRequestBody;
import com.box.sdkgen.managers.folders.CreateFolderRequestBodyParentField;
import com.box.sdkgen.managers.uploads.UploadFileRequestBody;
import com.box.sdkgen.managers.uploads.UploadFileRequestBodyAttributesField;
import com.box.sdkgen.managers.uploads.UploadFileRequestBodyAttributesParentField;
import com.box.sdkgen.managers.uploads.UploadFileVersionRequestBody;
import com.box.sdkgen.managers.uploads.UploadFileVersionRequestBodyAttributesField;
import com.box.sdkgen.managers.users.CreateUserRequestBody;
import com.box.sdkgen.networking.retries.BoxRetryStrategy;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import com.box.sdkgen.schemas.item.Item;
import com.box.sdkgen.schemas.userfull.UserFull;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * Drives boxcar with Box's generated Java SDK over everything around an upload.
 *
 * <p>Environment: as Main, and BOXCAR_CLIENT_ID, BOXCAR_CLIENT_SECRET, BOXCAR_APP_CONFIG,
 * BOXCAR_REDIRECT_URI, BOXCAR_ENTERPRISE_ID, BOXCAR_USER_ID, BOXCAR_LOGIN, BOXCAR_PASSWORD as
 * ../node10/auth.mjs says.
 */
public final class Areas {
  static final BoxRetryStrategy ONCE =
      new BoxRetryStrategy.Builder().maxAttempts(1).maxRetriesOnException(0).build();

  private Areas() {}

  public static void main(String[] args) throws Exception {
    String ca = System.getenv("BOXCAR_CA");
    if (ca != null) {
      Suite.trust(ca, Path.of(env("BOXCAR_WORK", null)));
    }
    Box box = new Box();
    Suite suite = new Suite();
    new Auth(box).addTo(suite);
    new Users(box).addTo(suite);
    new Folders(box).addTo(suite);
    new Files(box).addTo(suite);
    new Trash(box).addTo(suite);
    new Versions(box).addTo(suite);
    new Links(box).addTo(suite);
    new Search(box).addTo(suite);
    new Streams(box).addTo(suite);
    new Collected(box).addTo(suite);
    suite.run();
  }

  static FolderFull mkdir(BoxClient client, String parent, String name) {
    return client
        .getFolders()
        .createFolder(new CreateFolderRequestBody(name, new CreateFolderRequestBodyParentField(parent)));
  }

  static FileFull put(BoxClient client, String parent, String name, byte[] data) {
    FileFull file =
        client
            .getUploads()
            .uploadFile(
                new UploadFileRequestBody(
                    new UploadFileRequestBodyAttributesField(
                        name, new UploadFileRequestBodyAttributesParentField(parent)),
                    Box.stream(data)))
            .getEntries()
            .get(0);
    Suite.equal(file.getName() + " " + file.getSha1(), name + " " + Suite.sha1Hex(data), "what was uploaded");
    return file;
  }

  static FileFull put(BoxClient client, String parent, String name) {
    return put(client, parent, name, Suite.content(name.hashCode(), 1000));
  }

  static FileFull putVersion(BoxClient client, String fileId, String name, byte[] data) {
    return client
        .getUploads()
        .uploadFileVersion(
            fileId,
            new UploadFileVersionRequestBody(
                new UploadFileVersionRequestBodyAttributesField(name), Box.stream(data)))
        .getEntries()
        .get(0);
  }

  static byte[] read(BoxClient client, String fileId) throws IOException {
    try (InputStream in = client.getDownloads().downloadFile(fileId)) {
      return in.readAllBytes();
    }
  }

  static List<String> ids(List<Item> entries) {
    return entries.stream().map(Item::getId).toList();
  }

  static List<String> names(List<Item> entries) {
    return entries.stream().map(Item::getName).toList();
  }

  /** A new user of the enterprise, whose client is {@code box.client.withAsUserHeader(id)}. */
  static UserFull newUser(Box box, String name) {
    return box.client
        .getUsers()
        .createUser(
            new CreateUserRequestBody.Builder(name).login(login(box, name)).build());
  }

  static String login(Box box, String name) {
    return (name.replace(' ', '.') + "." + box.runName.substring(7, 20) + "@example.com").toLowerCase();
  }

  /** The status that a call is refused with, or 0 if it is not. */
  static int statusOf(Box.Call call) throws Exception {
    try {
      call.run();
      return 0;
    } catch (BoxAPIError e) {
      return e.getResponseInfo().getStatusCode();
    }
  }

  /** Sleeps until the server's clock, which counts whole seconds, has moved. */
  static void tick() throws InterruptedException {
    Thread.sleep(1100);
  }

  static void until(String what, Callable<Boolean> ask) throws Exception {
    long end = System.nanoTime() + 15_000_000_000L;
    while (!ask.call()) {
      isTrue(System.nanoTime() < end, what + ", within 15 s");
      Thread.sleep(100);
    }
  }
}
