#pragma once
#include <stddef.h>

// libcurl as plain functions. Its own options are set by variadic macros, which Swift does not import; and its header brings the
// system's socket headers with it, whose names Swift would then find in two modules at once. So curl.h stays inside.

/// `curl_global_init`, to be called once before any other. 0 when well.
int uproar_curl_start(void);

/// What libcurl wants of one socket: `what` is UPROAR_CURL_IN | UPROAR_CURL_OUT, or UPROAR_CURL_REMOVE.
typedef int (*uproar_curl_socket_wanted)(void *easy, int socket, int what, void *context, void *unused);
/// When libcurl wants to be called without a socket; negative: not at all. `uproar_curl_act` must not be called from within.
typedef int (*uproar_curl_wake_wanted)(void *multi, long milliseconds, void *context);

enum {
    UPROAR_CURL_IN = 1,
    UPROAR_CURL_OUT = 2,
    UPROAR_CURL_REMOVE = 4,
    UPROAR_CURL_FAILED = 4, // in `ready`
    UPROAR_CURL_NO_SOCKET = -1,
};

void *uproar_curl_multi_new(
    long kept_connections, uproar_curl_socket_wanted socket, uproar_curl_wake_wanted wake, void *context);
/// Calls back no more. All exchanges must be removed.
void uproar_curl_multi_free(void *multi);
void uproar_curl_add(void *multi, void *easy);
void uproar_curl_remove(void *multi, void *easy);
/// Does what can be done now; the callbacks of exchanges come from within.
void uproar_curl_act(void *multi, int socket, int ready);

enum uproar_curl_outcome {
    UPROAR_CURL_WELL,
    UPROAR_CURL_UNREACHABLE,
    UPROAR_CURL_CONNECT_TIMED_OUT,
    UPROAR_CURL_TLS,
    UPROAR_CURL_UNTRUSTED,
    UPROAR_CURL_MALFORMED,
    UPROAR_CURL_CUT,
};
/// The next exchange that is over, or NULL; `words` gets libcurl's text for its code.
void *uproar_curl_over(void *multi, enum uproar_curl_outcome *outcome, const char **words);

/// Gets a piece of the answer; anything but `size * count` as an answer ends the exchange.
typedef size_t (*uproar_curl_taker)(char *bytes, size_t size, size_t count, void *context);

struct uproar_curl_request {
    const char *method;
    const char *url;
    const char *const *header_lines; // NULL at the end
    const void *body;                // must live as long as the exchange; NULL: none
    long long body_size;
    long connect_milliseconds;  // 0: libcurl's own 300 s
    int verifies;               // certificates
    const char *authority_file; // NULL: the system's
    int direct;                 // pays no heed to a proxy of the environment
    char *words;                // UPROAR_CURL_WORDS bytes that get the words of a failure
    uproar_curl_taker header;   // a line at a time
    uproar_curl_taker piece;    // of the body
    void *context;
};
#define UPROAR_CURL_WORDS 256

/// NULL when there is no memory.
void *uproar_curl_easy_new(const struct uproar_curl_request *request);
/// Must not be in a multi.
void uproar_curl_easy_free(void *easy);
