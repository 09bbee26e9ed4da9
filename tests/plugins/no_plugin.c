/* no_plugin.c: a library like any other. */
int answer(void);
int answer(void) {
    return 42;
}
