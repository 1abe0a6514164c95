/* The version: of the library, its soname (the first number), the command and the manual. */
#ifndef ASSAY_VERSION
#define ASSAY_VERSION "0.1.0"
#endif
