// SPDX-License-Identifier: MIT

import {
  createContext,
  type ReactNode,
  type Ref,
  type RefObject,
  useContext,
  useEffect,
  useLayoutEffect,
  useRef,
} from 'react';
import {
  type NativeScrollEvent,
  type NativeSyntheticEvent,
  Platform,
  RefreshControl,
  ScrollView,
  StyleSheet,
  Text,
  View,
} from 'react-native';
import { useServices } from '../services.ts';
import { narrowContent, space, type, useTheme, widestContent } from '../theme.ts';

const HeadingContext = createContext<RefObject<Text | null> | null>(null);

/** Returns a function that gives the focus to the screen's heading: for when what had it goes away. */
export function useFocusHeading(): () => void {
  const heading = useContext(HeadingContext);
  return () => focus(heading?.current);
}

/** A keyboard and a screen reader of a browser go on from here; a phone's looks for itself. */
function focus(element: unknown): void {
  if (Platform.OS !== 'web') return;
  (element as { focus?: () => void } | null | undefined)?.focus?.();
}

/** A text that takes the focus when it appears. */
export function FocusedText(props: { children: ReactNode }): ReactNode {
  const theme = useTheme();
  const text = useRef<Text>(null);
  useEffect(() => focus(text.current), []);
  const web = { tabIndex: -1 };
  return (
    <Text ref={text} {...web} style={[type.strong, { color: theme.text }]}>
      {props.children}
    </Text>
  );
}

export interface ScreenProps {
  readonly title: string;
  /** For the tab and the heading, if the heading is longer. */
  readonly heading?: ReactNode;
  readonly top?: ReactNode;
  readonly isNarrow?: boolean;
  readonly onRefresh?: () => Promise<void>;
  readonly isRefreshing?: boolean;
  readonly offset?: number;
  readonly onOffset?: (offset: number) => void;
  readonly children: ReactNode;
}

/** A screen: its top line, a heading, and everything else in `main`. */
export function Screen(props: ScreenProps): ReactNode {
  const theme = useTheme();
  const services = useServices();
  const heading = useRef<Text>(null);
  const scroller = useRef<ScrollView>(null);
  const { title, offset = 0 } = props;
  useEffect(() => services.platform.setTitle?.(title), [services, title]);
  useEffect(() => {
    // The first screen of a page leaves the focus where the browser puts it.
    if (services.hasShownScreen) focus(heading.current);
    services.hasShownScreen = true;
  }, [services]);
  const firstOffset = useRef(offset);
  useEffect(() => {
    if (firstOffset.current > 0) {
      scroller.current?.scrollTo({ y: firstOffset.current, animated: false });
    }
  }, []);
  const listener = useRef(props.onOffset);
  useEffect(() => {
    listener.current = props.onOffset;
  });
  useLayoutEffect(
    () => () => {
      // Scroll events lag behind in a browser: what counts is where it was left, and not what comes after that.
      const node: unknown = scroller.current?.getScrollableNode();
      if (Platform.OS === 'web') listener.current?.((node as { scrollTop: number }).scrollTop);
      listener.current = undefined;
    },
    [],
  );
  const onScroll = (event: NativeSyntheticEvent<NativeScrollEvent>): void =>
    listener.current?.(event.nativeEvent.contentOffset.y);
  const width = { maxWidth: props.isNarrow ? narrowContent : widestContent };
  return (
    <HeadingContext.Provider value={heading}>
      <View style={[styles.screen, { backgroundColor: theme.background }]}>
        {props.top !== undefined && (
          <View
            role="banner"
            style={[styles.top, { backgroundColor: theme.card, borderColor: theme.border }]}
          >
            <View style={[styles.topLine, { maxWidth: widestContent }]}>{props.top}</View>
          </View>
        )}
        <ScrollView
          ref={scroller}
          role="main"
          style={styles.screen}
          contentContainerStyle={styles.scrolled}
          keyboardShouldPersistTaps="handled"
          automaticallyAdjustKeyboardInsets
          scrollEventThrottle={100}
          onScroll={onScroll}
          refreshControl={
            props.onRefresh && (
              <RefreshControl
                refreshing={props.isRefreshing ?? false}
                onRefresh={() => void props.onRefresh?.()}
              />
            )
          }
        >
          <View style={[styles.content, width]}>
            <Heading textRef={heading}>{props.heading ?? title}</Heading>
            {props.children}
          </View>
        </ScrollView>
      </View>
    </HeadingContext.Provider>
  );
}

function Heading(props: { textRef: Ref<Text>; children: ReactNode }): ReactNode {
  const web = { tabIndex: -1, 'aria-level': 1 };
  return (
    <Text
      ref={props.textRef}
      role="heading"
      {...web}
      style={[type.title, { color: useTheme().text }]}
    >
      {props.children}
    </Text>
  );
}

/** The heading of a part of a screen. */
export function Subheading(props: { children: ReactNode }): ReactNode {
  const level = { 'aria-level': 2 };
  return (
    <Text role="heading" {...level} style={[type.heading, { color: useTheme().text }]}>
      {props.children}
    </Text>
  );
}

const styles = StyleSheet.create({
  screen: { flex: 1 },
  top: { borderBottomWidth: 1, alignItems: 'center' },
  topLine: {
    width: '100%',
    minHeight: 56,
    flexDirection: 'row',
    flexWrap: 'wrap',
    alignContent: 'center',
    alignItems: 'center',
    justifyContent: 'space-between',
    gap: space.medium,
    paddingHorizontal: space.large,
    paddingVertical: space.small,
  },
  scrolled: { flexGrow: 1, alignItems: 'center' },
  content: {
    width: '100%',
    gap: space.large,
    paddingHorizontal: space.large,
    paddingTop: space.large,
    paddingBottom: space.huge,
  },
});
