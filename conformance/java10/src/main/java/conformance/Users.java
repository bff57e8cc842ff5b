package conformance;

import static conformance.Areas.login;
import static conformance.Areas.mkdir;
import static conformance.Areas.newUser;
import static conformance.Areas.put;
import static conformance.Areas.read;
import static conformance.Areas.statusOf;
import static conformance.Box.refused;
import static conformance.Suite.content;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;
import static conformance.Suite.sameBytes;

import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.users.CreateUserRequestBody;
import com.box.sdkgen.managers.users.DeleteUserByIdQueryParams;
import com.box.sdkgen.managers.users.GetUserMeQueryParams;
import com.box.sdkgen.managers.users.GetUsersQueryParams;
import com.box.sdkgen.managers.users.UpdateUserByIdRequestBody;
import com.box.sdkgen.managers.users.UsersManager;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import com.box.sdkgen.schemas.userfull.UserFull;
import java.util.List;

/** Users, and acting as one. */
final class Users {
  private final Box box;
  private final UsersManager users;

  Users(Box box) {
    this.box = box;
    this.users = box.client.getUsers();
  }

  void addTo(Suite suite) {
    suite.check("users: me", this::me);
    suite.check("users: create, get, list", this::create);
    suite.check("users: update and delete", this::updateAndDelete);
    suite.check("users: as another", this::asAnother);
    suite.check("users: a quota", this::quota);
  }

  private void me() {
    UserFull me = users.getUserMe();
    isTrue(me.getCreatedAt() != null && me.getSpaceUsed() != null && me.getStatus() != null, "Standard fields");
    isTrue(me.getRole() == null, "a Full field unasked");
    UserFull full =
        users.getUserMe(new GetUserMeQueryParams.Builder().fields(List.of("role", "enterprise")).build());
    equal(full.getRole().getValue(), "admin", "role");
    isTrue(full.getName() == null && full.getEnterprise().getId().matches("\\d+"), "enterprise and no more");
    equal(users.getUserById(me.getId()).getLogin(), me.getLogin(), "by id");
  }

  private void create() throws Exception {
    UserFull user =
        users.createUser(
            new CreateUserRequestBody.Builder("Java User")
                .login(login(box, "Java User"))
                .jobTitle("Clerk")
                .language("de")
                .spaceAmount(5_000_000L)
                .build());
    equal(
        List.of(user.getName(), user.getLogin(), user.getJobTitle(), user.getLanguage(), user.getSpaceAmount(), user.getSpaceUsed()),
        List.of("Java User", login(box, "Java User"), "Clerk", "de", 5_000_000L, 0L),
        "the user");
    equal(users.getUserById(user.getId()).getName(), "Java User", "as got");
    refused(409, "user_login_already_used", () -> newUser(box, "Java User"));
    refused(404, "not_found", () -> users.getUserById("990017"));
    String term = user.getLogin().replaceAll("@.*", "");
    List<UserFull> found = users.getUsers(new GetUsersQueryParams.Builder().filterTerm(term).build()).getEntries();
    equal(found.stream().map(UserFull::getId).toList(), List.of(user.getId()), "found by login");
    equal(
        users.getUsers(new GetUsersQueryParams.Builder().limit(1L).offset(1L).build()).getEntries().size(), 1, "a page");
  }

  private void updateAndDelete() throws Exception {
    UserFull user = newUser(box, "Java Changing");
    UserFull updated =
        users.updateUserById(
            user.getId(), new UpdateUserByIdRequestBody.Builder().name("Updated").jobTitle("Boss").build());
    equal(List.of(updated.getId(), updated.getName(), updated.getJobTitle()), List.of(user.getId(), "Updated", "Boss"), "updated");
    mkdir(box.client.withAsUserHeader(user.getId()), "0", "content");
    isTrue(statusOf(() -> users.deleteUserById(user.getId())) >= 400, "a user with content is kept");
    users.deleteUserById(user.getId(), new DeleteUserByIdQueryParams.Builder().force(true).build());
    refused(404, "not_found", () -> users.getUserById(user.getId()));
  }

  private void asAnother() throws Exception {
    UserFull user = newUser(box, "Java Acted");
    BoxClient them = box.client.withAsUserHeader(user.getId());
    equal(them.getUsers().getUserMe().getId(), user.getId(), "me");
    FolderFull home = mkdir(them, "0", "their folder");
    equal(home.getOwnedBy().getId(), user.getId(), "owned_by");
    byte[] data = content(5, 4000);
    FileFull file = put(them, home.getId(), "theirs.bin", data);
    equal(them.getUsers().getUserMe().getSpaceUsed(), 4000L, "space_used");
    refused(404, "not_found", () -> box.client.getFiles().getFileById(file.getId()));
    sameBytes(read(them, file.getId()), data, "content");
  }

  private void quota() throws Exception {
    UserFull user =
        users.createUser(
            new CreateUserRequestBody.Builder("Java Small").login(login(box, "Java Small")).spaceAmount(10_000L).build());
    BoxClient them = box.client.withAsUserHeader(user.getId());
    put(them, "0", "fits.bin", content(6, 6000));
    refused(403, "storage_limit_exceeded", () -> put(them, "0", "over.bin", content(7, 6000)));
    equal(them.getUsers().getUserMe().getSpaceUsed(), 6000L, "space_used");
  }
}
