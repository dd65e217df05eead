/* The ceiling: a C loop that passes encoded rows to librdkafka.
 *
 * ceiling TOPIC PREPARED-FILE [NAME=VALUE...]
 *
  * For each row the file contains the lengths of key and value, four bytes each in the machine's order, then
  * both. Prints the rows, the seconds from the first row until all are acknowledged, and the CPU time
  * meanwhile. Declares the used parts of librdkafka itself: the Python client's library has no header with
  * it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_message_s rd_kafka_message_t;
typedef void on_delivery_t(rd_kafka_t *, const rd_kafka_message_t *, void *);

extern rd_kafka_conf_t *rd_kafka_conf_new(void);
extern int rd_kafka_conf_set(rd_kafka_conf_t *, const char *, const char *, char *, size_t);
extern void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *, on_delivery_t *);
extern rd_kafka_t *rd_kafka_new(int, rd_kafka_conf_t *, char *, size_t);
extern rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *, const char *, void *);
extern int rd_kafka_produce(rd_kafka_topic_t *, int32_t, int, void *, size_t, const void *, size_t, void *);
extern int rd_kafka_poll(rd_kafka_t *, int);
extern int rd_kafka_flush(rd_kafka_t *, int);

/* SETTLING, in seconds: an idempotent producer that finds no broker at once requests its id half a second
 * later, and sends nothing until then; no call shows whether it has one. After this time each variant has. */
enum { PRODUCER = 0, ANY_PARTITION = -1, COPY = 2, POLL_EVERY = 8192, SETTLING = 1 };

static long failed;

/* With delivery.report.only.error it is called only for errors. */
static void on_failure(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
    (void)producer, (void)message, (void)opaque;
    failed++;
}

static double seconds_of(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int main(int count, char **arguments) {
    char error[512];
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(settings, on_failure);
    for (int place = 3; place < count; place++) {
        char *value = strchr(arguments[place], '=');
        *value++ = 0;
        if (rd_kafka_conf_set(settings, arguments[place], value, error, sizeof error) != 0) {
            fprintf(stderr, "%s\n", error);
            return 1;
        }
    }
    rd_kafka_t *producer = rd_kafka_new(PRODUCER, settings, error, sizeof error);
    if (!producer) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, arguments[1], NULL);
    int file = open(arguments[2], O_RDONLY);
    struct stat about;
    if (file < 0 || fstat(file, &about) != 0) {
        perror(arguments[2]);
        return 1;
    }
    char *rows = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (rows == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    sleep(SETTLING);
    double began = seconds_of(CLOCK_MONOTONIC), processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    long sent = 0;
    for (char *row = rows; row < rows + about.st_size;) {
        uint32_t lengths[2];
        memcpy(lengths, row, sizeof lengths);
        char *key = row + sizeof lengths, *value = key + lengths[0];
        while (rd_kafka_produce(topic, ANY_PARTITION, COPY, value, lengths[1], key, lengths[0], NULL) != 0)
            rd_kafka_poll(producer, 5);
        if (++sent % POLL_EVERY == 0)
            rd_kafka_poll(producer, 0);
        row = value + lengths[1];
    }
    if (rd_kafka_flush(producer, 120000) != 0 || failed) {
        fprintf(stderr, "not all rows were acknowledged, %ld failed\n", failed);
        return 1;
    }
    double seconds = seconds_of(CLOCK_MONOTONIC) - began;
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - processor;
    printf("{\"rows\": %ld, \"seconds\": %.6f, \"rows_per_s\": %.1f, \"cpu_us\": %.4f}\n", sent, seconds,
           (double)sent / seconds, cpu / (double)sent * 1e6);
    return 0;
}
