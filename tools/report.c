#include "report.h"

#include "escape.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void report_add(report *r, const char *key, json_t *value)
{
    if (json_object_set_new(r, key, value) != 0) {
        fputs("assay: out of memory\n", stderr);
        exit(2);
    }
}

json_t *report_text(const char *text)
{
    char *line = NULL;
    size_t size = 0;
    json_t *whole = json_string(text);
    FILE *to = whole ? NULL : open_memstream(&line, &size);
    if (to)
        escape_to(to, ESCAPE_LINE, text);
    if (to && fclose(to) == 0)
        whole = json_string(line);
    free(line);
    return whole;
}

json_t *report_number(double x)
{
    return isfinite(x) ? json_real(x) : json_string(isnan(x) ? "nan" : "infinity");
}

json_t *report_bounds(const double bounds[2])
{
    return json_pack("[o, o]", report_number(bounds[0]), report_number(bounds[1]));
}

json_t *report_shape(const size_t *shape, size_t ndim)
{
    json_t *array = json_array();
    for (size_t k = 0; k < ndim; k++)
        json_array_append_new(array, json_integer((json_int_t)shape[k]));
    return array;
}

json_t *report_power(long k)
{
    return k == LONG_MIN ? json_string("0") : k == LONG_MAX ? json_string("infinity") : json_sprintf("2^%ld", k);
}

static void print_value(const json_t *value)
{
    size_t index;
    json_t *item;
    switch (json_typeof(value)) {
    case JSON_STRING:
        fputs(json_string_value(value), stdout);
        break;
    case JSON_REAL:
        printf("%.17g", json_real_value(value));
        break;
    case JSON_INTEGER:
        printf("%lld", (long long)json_integer_value(value));
        break;
    case JSON_ARRAY:
        json_array_foreach(value, index, item)
        {
            const char *between = json_is_integer(item) ? " x " : json_is_string(item) ? ", " : " .. ";
            fputs(index ? between : "", stdout);
            print_value(item);
        }
        break;
    default:
        fputs(json_is_true(value) ? "yes" : "no", stdout);
    }
}

bool report_print(report *r, bool as_json)
{
    if (as_json) {
        json_dumpf(r, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        putchar('\n');
    } else {
        const char *key;
        json_t *value;
        json_object_foreach(r, key, value)
        {
            printf("%-18s ", key);
            print_value(value);
            putchar('\n');
        }
    }
    json_decref(r);
    return fflush(stdout) == 0 && !ferror(stdout);
}
