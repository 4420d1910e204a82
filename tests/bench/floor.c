/* The floor under `airbyte-token print`: the same request to the same daemon, the token written to standard output.
 *
 * What C can do without: no option is parsed, nobody's identity is checked, nothing is wiped. The socket comes from
 * AIRBYTE_TOKEND_SOCKET, as it does for the client, so that both are started with the same arguments and environment.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char request[] =
    "GET /v1/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: text/plain\r\n\r\n";

static char reply[16384];

static int dial(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof address.sun_path) return -1;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

/* The body's end, once the head is there; NULL before that, and where no length is said. */
static char *end_of(char *body) {
    char *length = strcasestr(reply, "\r\ncontent-length:");
    return length != NULL && length < body ? body + strtol(length + 17, NULL, 10) : NULL;
}

int main(void) {
    int fd = dial(getenv("AIRBYTE_TOKEND_SOCKET"));
    if (fd < 0) return 69;
    if (write(fd, request, sizeof request - 1) != (ssize_t)(sizeof request - 1)) return 75;

    char *filled = reply, *body = NULL, *end = NULL;
    while (end == NULL || filled < end) {
        ssize_t count = read(fd, filled, (size_t)(reply + sizeof reply - 2 - filled));
        if (count <= 0) return 76;
        filled += count;
        if (body == NULL && (body = strstr(reply, "\r\n\r\n")) != NULL) {
            body += 4;
            end = end_of(body);
        }
    }
    if (strncmp(reply, "HTTP/1.1 200 ", 13) != 0 || end != filled) return 76;
    *end++ = '\n';
    return write(STDOUT_FILENO, body, (size_t)(end - body)) == end - body ? 0 : 75;
}
